package sample

import "strings"

// Name lists are invented for this package from names in common use. A family
// name has at least five bytes and is no everyday word: whoever searches a
// sealed store for the names of the sample must not find one by chance.
const (
	englishGirls = `Abigail Addison Amelia Audrey Beatrice Brooke Caroline Charlotte Claire Clara
		Eleanor Ellie Emma Evelyn Fiona Greta Hannah Ingrid Isla Katherine Lillian Lucy Mabel
		Margaret Molly Nora Olivia Penelope Rachel Rosalie Sadie Sylvia Tessa Willa`
	englishBoys = `Adrian Andrew Benjamin Caleb Callum Connor Declan Dominic Edmund Elliot Ethan
		Everett Felix Finnegan Gavin Graham Harrison Henry Isaac Jasper Joseph Liam Lucas Matthew
		Nathaniel Oliver Owen Patrick Quentin Samuel Simon Theodore Tobias Vincent Wesley William`
	englishFamilies = `Abernathy Albrecht Anderson Bergstrom Blackwell Bradshaw Brennan Callahan
		Carlson Chamberlain Christensen Cunningham Dahlgren Donovan Eastwick Ellingson Erickson
		Fairbanks Fitzgerald Gallagher Gustafson Halvorson Hendricks Hollister Ingebretsen Jacobson
		Johannsen Kowalski Kristoffersen Larson Lindqvist Lundgren MacAllister McAllen Nordstrom
		Novak O'Connell O'Malley Olmstead Oswald Pedersen Petrovic Prescott Quigley Rasmussen
		Rosenthal Schneider Schroeder Sorensen Stanhope Sullivan Thorsen Underhill Vandenberg
		Wagner Whitaker Winterbourne Wojcik Yardley Zimmerman`

	africanAmericanGirls = `Aaliyah Amari Aniyah Brianna Camille Danielle Deja Ebony Imani Jada
		Jasmine Kamaria Kennedi Kiara Laila Monique Nia Raven Serenity Tiana Zoe Zuri`
	africanAmericanBoys = `Andre Antoine Cameron Darius Demetrius Elijah Isaiah Jalen Jamal Jaylen
		Josiah Kareem Kendrick Khalil Lamar Malachi Marcus Micah Terrence Tyrell Xavier Zion`
	africanAmericanFamilies = `Baptiste Batiste Beauchamp Braxton Broussard Caldwell Carrington
		Coleman Crenshaw Davenport Dickerson Ellison Franklin Gaines Galloway Hampton Harrell
		Hathaway Jefferson Kirkland Langston Merriweather Pettigrew Randolph Robinson Singletary
		Tillman Treadwell Wadsworth Washington Whitfield Witherspoon`

	latinoGirls = `Adriana Alejandra Camila Catalina Daniela Elena Esperanza Gabriela Guadalupe
		Isabela Jimena Lucía Luz Mariana Marisol Natalia Paloma Renata Rocío Valentina Ximena Yesenia`
	latinoBoys = `Alejandro Andrés Ángel Carlos Cristóbal Diego Eduardo Emiliano Esteban Fernando
		Gael Ignacio Javier Joaquín Leonardo Luis Mateo Miguel Rafael Rodrigo Santiago Sebastián`
	latinoFamilies = `Aguilar Alvarado Arellano Barrientos Calderón Cárdenas Castañeda Cervantes
		Contreras Delgado Echeverría Escobedo Figueroa Fuentes Galván Guerrero Gutiérrez Hernández
		Ibarra Jaramillo Maldonado Montoya Muñoz Navarrete Núñez Ocampo Orozco Palacios Quintana
		Rentería Rodríguez Salgado Santillán Trujillo Valenzuela Villanueva Zambrano Zaragoza`

	hmongGirls = `Bao Chee Choua Gao Houa Kalia Kaying Mai Maiyer Maly Mee Nou Pa Pahoua Paj Panyia
		Sheng Xee Yer Youa Zoua`
	hmongBoys = `Bee Blia Chai Cheng Chue Fue Hue Kong Koua Leng Meng Neng Nhia Pao Pheng Teng Tou
		Toua Tong Xeng Yeng`
	hmongFamilies = `Chang-Vue Cheng-Lor Fang-Yang Hang-Kue Her-Xiong Khang Kong-Moua Kue-Vang
		Lee-Thao Lor-Cha Moua-Lee Phang Thao-Her Vang-Lee Vang-Xiong Vue-Moua Xiong Xiong-Hang
		Yang-Lor Yang-Thao`

	somaliGirls = `Amina Asha Ayaan Deqa Fadumo Farhiya Faiza Hamdi Hibaq Hodan Ifrah Ikran Ladan
		Muna Najma Naima Sahra Sagal Ubah Zamzam`
	somaliBoys = `Abdi Abdirahman Abdullahi Ayub Bashir Bile Faisal Guled Hassan Ismail Jama Khadar
		Liban Mahad Mohamud Mukhtar Nuur Sharmarke Warsame Zakariye`
	somaliFamilies = `Abdikarim Abdinoor Abukar Aideed Barkhadle Botan-Ali Diriye Duale Elmi-Nur Egal-Aden
		Farah Guleid Hersi Igale Jibril Khalif Mohamoud Osoble Samatar Shire-Adan Shirwac Warfa
		Yusuf-Adan`

	arabicGirls = `Aisha Amal Dalia Dina Farah Hanan Huda Iman Jamila Lamia Layla Lina Mariam Nadia
		Noor Rania Reem Salma Samira Yasmin Zahra Zaynab`
	arabicBoys = `Adnan Ahmad Amir Bilal Fadi Hamza Hani Ibrahim Jamil Karim Khalid Mazen Nabil Omar
		Rami Rashid Samir Tariq Walid Yahya Youssef Ziad`
	arabicFamilies = `Abdallah Al-Bakri Al-Hadid Al-Khatib Al-Masri Al-Najjar Barakat Darwish Fakhoury
		Ghanem Haddad Hamdan Jaber Karam Khoury Mansour Nasser Qasim Rahal Saleh Shaheen Tawfiq
		Zaidan`

	karenGirls    = `Eh-Htoo Hser Htee Ku-Paw Lah Moo-Paw Mu-Lar Naw Paw-Say Say-Wah`
	karenBoys     = `Eh-Doh Hsa Htoo Kaw-Thu Ku-Say Lah-Say Moo-Ler Saw Taw-Nay Thaw`
	karenFamilies = `Eh-Kalu Htoo-Wah Ku-Htoo Lar-Pwe Moo-Htoo Paw-Htoo Po-Kwa Pwe-Moo Say-Htoo
		Soe-Moo Taw-Pwe Wah-Paw`

	vietnameseGirls = `Anh Bich Chau Diem Giang Hoa Huong Khanh Lan Linh Mai Ngoc Nhung Phuong Quyen
		Thao Thuy Trang Uyen Yen`
	vietnameseBoys = `An Bao Cuong Dat Dung Duy Hai Hieu Hung Khoa Long Minh Nam Phuc Quan Son Thanh
		Tien Trung Vinh`
	vietnameseFamilies = `Bui-Nguyen Dang-Tran Duong Hoang Huynh Le-Nguyen Luong Nguyen Nguyen-Vo
		Phan-Le Quach Thach Tran-Le Truong Vuong`

	indianGirls = `Aditi Ananya Anika Deepa Divya Ishani Kavya Lakshmi Meera Neha Nandini Pooja Priya
		Radha Riya Saanvi Shreya Tanvi Usha Vidya`
	indianBoys = `Aarav Abhinav Aditya Akash Anand Arjun Dev Gaurav Harish Ishaan Karthik Manish Nikhil
		Pranav Rahul Rohan Sanjay Suresh Varun Vikram`
	indianFamilies = `Agarwal Banerjee Bhattacharya Chatterjee Deshmukh Gopalan Iyengar Joshi-Rao
		Kulkarni Mehta Mukherjee Narayanan Pillai Raghavan Ramaswamy Sharma Srinivasan Subramanian
		Trivedi Venkatesan`

	nativeGirls = `Aiyana Chenoa Dakota Halona Kaya Kimi Leotie Migina Nita Nokomis Odina Sihu Tallulah
		Winona`
	nativeBoys = `Ahanu Askuwheteau Bidziil Chayton Dyami Elan Hinto Kohana Mahkah Mato Nodin Ohanzee
		Takoda Wapasha`
	nativeFamilies = `Beargrease Blackdeer Bluestone Brightfeather Clearsky-Roy Cloudwalker Deerinwater
		Eaglestaff Fairbrother Greyeagle Ironhawk LaDuke Longfeather Northbird Redday-White
		Skinaway Standingcloud Strongbow Thunderhawk Wabasha`
)

// origin is a community whose children share name lists, race and ethnicity as
// reported, and the chance that another language is spoken at home.
type origin struct {
	share                 float64
	race                  string
	girls, boys, families string
	language              string
	speaks                float64 // share of homes with that language
	poverty               float64 // shift, in standard deviations
}

func origins() []origin {
	return []origin{
		{.38, "white", englishGirls, englishBoys, englishFamilies, "en", 0, -.5},
		{.06, "two_or_more", englishGirls, africanAmericanBoys, englishFamilies, "en", 0, 0},
		{.14, "black", africanAmericanGirls, africanAmericanBoys, africanAmericanFamilies, "en", 0, .3},
		{.19, "hispanic", latinoGirls, latinoBoys, latinoFamilies, "es", .6, .3},
		{.08, "asian", hmongGirls, hmongBoys, hmongFamilies, "hmn", .55, .2},
		{.06, "black", somaliGirls, somaliBoys, somaliFamilies, "so", .7, .5},
		{.03, "white", arabicGirls, arabicBoys, arabicFamilies, "ar", .7, .2},
		{.01, "asian", karenGirls, karenBoys, karenFamilies, "ksw", .85, .6},
		{.015, "asian", vietnameseGirls, vietnameseBoys, vietnameseFamilies, "vi", .5, 0},
		{.015, "asian", indianGirls, indianBoys, indianFamilies, "hi", .2, -.6},
		{.02, "american_indian", nativeGirls, nativeBoys, nativeFamilies, "en", 0, .5},
	}
}

// lists holds an origin's names split once, and where its share ends on 0…1.
type lists struct {
	origin
	upTo            float64
	girls, boys     []string
	familiesOfNames []string
}

func nameLists() []lists {
	var (
		all  []lists
		upTo float64
	)
	for _, o := range origins() {
		upTo += o.share
		all = append(all, lists{
			origin: o, upTo: upTo, girls: strings.Fields(o.girls), boys: strings.Fields(o.boys),
			familiesOfNames: strings.Fields(o.families),
		})
	}
	return all
}
